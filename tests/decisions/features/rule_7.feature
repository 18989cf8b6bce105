Feature: An employee reads the content of a diagnostic report of their own legal entity

  Background:
    Given episode "O" of patient "P" with managing_organization "my legal entity"

  Scenario: made there, named by the search
    Given diagnostic_report "D" of patient "P" with managing_organization "my legal entity"
    When I ask to read every observation in patient "P" in diagnostic_report "D"
    Then it is permitted by rule_7

  Scenario: made there, known of the record
    Given diagnostic_report "D" of patient "P" with managing_organization "my legal entity"
    And observation "R" of patient "P" with diagnostic_report "D"
    When I ask to read observation "R" in patient "P"
    Then it is permitted by rule_7

  Scenario: originated there
    Given diagnostic_report "D" of patient "P" with managing_organization "a laboratory", origin_episode "O"
    When I ask to read every observation in patient "P" in diagnostic_report "D"
    Then it is permitted by rule_7

  Scenario: neither made nor originated there
    Given diagnostic_report "D" of patient "P" with managing_organization "a laboratory"
    When I ask to read every observation in patient "P" in diagnostic_report "D"
    Then it is refused as no_rule_matched

  Scenario: not what the rule does not list
    Given diagnostic_report "D" of patient "P" with managing_organization "my legal entity"
    When I ask to read every condition in patient "P" in diagnostic_report "D"
    Then it is refused as no_rule_matched

  Scenario Outline: reading alone
    Given diagnostic_report "D" of patient "P" with managing_organization "my legal entity"
    When I ask to <action> observation "R" in patient "P" in diagnostic_report "D"
    Then it is refused as no_rule_matched

    Examples:
      | action |
      | write |
      | create |
      | update |
      | delete |
      | action |
